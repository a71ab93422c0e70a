//! recv
mod maildir;
mod session_file;
