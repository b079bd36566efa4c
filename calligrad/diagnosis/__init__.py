"""doctor: looks for the mistakes that raise no error and spoil a training."""

from calligrad.diagnosis.doctor import doctor
from calligrad.diagnosis.report import Finding, Report

__all__ = ["Finding", "Report", "doctor"]
