//! Plan `oidcc-basic-certification-test-plan`.

use super::rp::Variant;

basic_table!(Variant::of("code"));
