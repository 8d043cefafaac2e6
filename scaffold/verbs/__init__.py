"""One file for each verb, which joins the rooms. Files that several verbs share begin with `_`."""
