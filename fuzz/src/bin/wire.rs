//! Fuzzes [`wxcode_fuzz::wire`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(wire);
