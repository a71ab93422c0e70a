//! The tools.

mod acl;
mod recv;
mod set;
