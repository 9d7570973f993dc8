//! Fuzzes [`wxcode_fuzz::transcript`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(transcript);
