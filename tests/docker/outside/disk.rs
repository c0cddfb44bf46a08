//! The disk of the proxy's folder is full.
