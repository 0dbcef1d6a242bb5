//! Plan `oidcc-implicit-certification-test-plan`: each response type in a module.

implicit_tables!(crate::rp::Variant::of);
