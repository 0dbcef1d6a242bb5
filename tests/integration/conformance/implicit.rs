//! Plan `oidcc-implicit-certification-test-plan`: each response type in a module.

implicit_tables!(crate::conformance::rp::Variant::of);
