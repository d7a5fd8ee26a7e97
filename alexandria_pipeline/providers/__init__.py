"""One file per outside service; each turns that service's answers into domain records and decides nothing."""
