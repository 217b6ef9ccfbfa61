"""What a device does to activity: counting, calibration, dead time, recovery, blur."""
