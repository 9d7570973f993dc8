//! The screen: bytes in, exact dump out; and the ring of absolute offsets.

mod ring;
mod screen;
mod terminal;

pub use ring::Ring;
pub use screen::{Modes, Screen, Size};
pub use terminal::Terminal;
