//! Fuzzes [`wxcode_fuzz::screen`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(screen);
