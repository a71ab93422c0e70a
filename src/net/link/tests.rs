//! Links over sockets and in memory: who is believed, and what is tried.
