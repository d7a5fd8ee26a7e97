"""The rules of the field as pure values and functions: no input or output, no clock, no logging, no Dagster."""
