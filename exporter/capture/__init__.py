"""Recording what one appliance answers, without what identifies its site, so that others can replay it."""
