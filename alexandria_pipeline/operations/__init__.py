"""Operations that people and sensors ask for: review, reports, recovery, alerting, one-off fetches."""
