//! Test equipment: the stub of the Messages API, the fake agent, a server to drive.
