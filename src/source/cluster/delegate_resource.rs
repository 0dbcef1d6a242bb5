//! Delegates `Resource` of a wrapper to the wrapped object.

/// Implements the methods of `Resource` that concern the kind by those of the wrapped type.
macro_rules! kind_of {
    ($wrapped:ident) => {
        type DynamicType = $wrapped::DynamicType;
        type Scope = $wrapped::Scope;

        fn kind(dynamic: &Self::DynamicType) -> std::borrow::Cow<'_, str> {
            $wrapped::kind(dynamic)
        }

        fn group(dynamic: &Self::DynamicType) -> std::borrow::Cow<'_, str> {
            $wrapped::group(dynamic)
        }

        fn version(dynamic: &Self::DynamicType) -> std::borrow::Cow<'_, str> {
            $wrapped::version(dynamic)
        }

        fn plural(dynamic: &Self::DynamicType) -> std::borrow::Cow<'_, str> {
            $wrapped::plural(dynamic)
        }

        /// Whether the API server is asked for metadata only.
        fn metadata_api() -> bool {
            $wrapped::metadata_api()
        }
    };
}

pub(super) use kind_of;
