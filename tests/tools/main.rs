//! The tools as a person or script meets them: whole programs against a whole relay, statuses and output.

mod acl;
mod fetch_set;
mod recv;
mod send;
mod site;
mod usage;
mod watch;
