"""A soup of faults: jobs with three disks, in which what a seed says goes wrong."""
