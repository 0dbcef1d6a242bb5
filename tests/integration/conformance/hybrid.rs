//! Plan `oidcc-hybrid-certification-test-plan`: each response type in a module.

hybrid_tables!(crate::conformance::rp::Variant::of);
