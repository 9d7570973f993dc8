//! Fuzzes [`wxcode_fuzz::planning`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(planning);
