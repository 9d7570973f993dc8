//! Fuzzes [`wxcode_fuzz::state`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(state);
