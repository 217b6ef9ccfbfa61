"""The chain without a camera: tables of readings to series, doses, a plan and its verification."""
