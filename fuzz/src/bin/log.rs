//! Fuzzes [`wxcode_fuzz::log`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(log);
