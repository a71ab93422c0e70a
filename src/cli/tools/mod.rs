//! The tools.

mod acl;
mod fetch;
mod recv;
mod send;
mod set;
