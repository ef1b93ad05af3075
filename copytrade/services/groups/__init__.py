"""What customers do with their copy groups. Every change is made under the locks of all accounts of the group."""
