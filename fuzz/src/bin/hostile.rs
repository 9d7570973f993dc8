//! Fuzzes [`wxcode_fuzz::hostile`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(hostile);
