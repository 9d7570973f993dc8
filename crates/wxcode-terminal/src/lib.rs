//! The screen: bytes in, an exact snapshot out; and the ring buffer with absolute offsets.

#![warn(missing_docs)]

mod answer;
mod buffer;
mod cell;
mod charset;
mod control;
mod dictionary;
mod erase;
mod keyboard;
mod mode;
mod painter;
mod palette;
mod params;
mod parser;
mod print;
mod reflow;
mod ring;
mod row;
mod screen;
mod sgr;
mod snapshot;
mod status;
mod string;
mod style;
mod tabs;
mod terminal;
mod view;
mod width;

pub use ring::Ring;
pub use screen::Screen;
pub use status::{StatusFilter, StatusItem};
pub use terminal::Terminal;
pub use view::View;
pub use wxcode_protocol::{
    Modes, Size,
    holder::{BlockKind, ProgramState, ProgramStatus},
};
