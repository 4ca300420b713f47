"""Reports for people: the monthly report of a fleet or a client, and the card of one incident."""
