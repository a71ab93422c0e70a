//! acl
mod rules;
