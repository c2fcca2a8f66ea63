"""Many photos: a plan, engines that color them, and a record of each one."""
