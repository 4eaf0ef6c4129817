"""Another package's entries for popnet: what somebody else would write and install."""
