"""One file for each verb: it joins the rooms. What several verbs share is private."""
