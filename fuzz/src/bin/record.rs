//! Fuzzes [`wxcode_fuzz::record`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(record);
