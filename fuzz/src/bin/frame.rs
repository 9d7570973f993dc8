//! Fuzzes [`wxcode_fuzz::frame`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(frame);
