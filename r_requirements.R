# written soon
