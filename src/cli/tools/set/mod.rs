//! set
mod edit;
