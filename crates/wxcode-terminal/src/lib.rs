//! The screen: bytes in, exact dump out; and the ring of absolute offsets.
