//! Plans `oidcc-formpost-basic-`, `-implicit-` and `-hybrid-certification-test-plan`: the modules of
//! the basic, implicit and hybrid plans with `response_mode=form_post`.

mod basic {
    basic_table!(crate::conformance::rp::Variant::posted("code"));
}

mod implicit {
    implicit_tables!(crate::conformance::rp::Variant::posted);
}

mod hybrid {
    hybrid_tables!(crate::conformance::rp::Variant::posted);
}
