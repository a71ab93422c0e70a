//! The server: what only `impp-relay` needs.
