//! Fuzzes [`wxcode_fuzz::json`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(json);
