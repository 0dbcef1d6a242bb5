//! The table of Lanyard's own kinds, from which everything that treats all kinds alike follows:
//! watches, caches, manifests, definitions, writes of statuses.

/// Calls a macro with the types of all kinds, before its other arguments. This is the table: a kind
/// is one entry, with the name of its [`ManagedKind`](crate::model::ManagedKind).
macro_rules! managed_kinds {
    ($callback:ident! $($arguments:tt)*) => {
        $crate::api::$callback! { [Tenant, OidcClient, OidcUser, IdentityProvider, ResourceServer] $($arguments)* }
    };
}

/// Evaluates an expression with the type of a kind: `with_kind!(kind, K => K::crd())`.
macro_rules! with_kind {
    ($kind:expr, $K:ident => $body:expr) => {
        $crate::api::managed_kinds!(match_kind! $kind, $K => $body)
    };
}

macro_rules! match_kind {
    ([$($name:ident),*] $kind:expr, $K:ident => $body:expr) => {
        match $kind {
            $($crate::model::ManagedKind::$name => {
                type $K = $crate::api::$name;
                $body
            })*
        }
    };
}

/// Declares an enum with a variant for each kind `K` that contains a `$payload<K>`.
macro_rules! enum_of_kinds {
    (
        [$($name:ident),*]
        $(#[$attribute:meta])*
        $visibility:vis enum $enum:ident($payload:ident)
    ) => {
        $(#[$attribute])*
        $visibility enum $enum {
            $(
                #[doc = concat!("Of kind `", stringify!($name), "`.")]
                $name($payload<$crate::api::$name>),
            )*
        }

        $(impl From<$payload<$crate::api::$name>> for $enum {
            fn from(value: $payload<$crate::api::$name>) -> Self {
                Self::$name(value)
            }
        })*
    };
}

/// Evaluates an expression with the content of any variant of such an enum, and optionally its
/// kind: `with_variant!(AnyStatus, status, it: K => K::conditions(it))`.
macro_rules! with_variant {
    ($enum:ident, $value:expr, $($case:tt)*) => {
        $crate::api::managed_kinds!(match_variant! $enum, $value, $($case)*)
    };
}

macro_rules! match_variant {
    ([$($name:ident),*] $enum:ident, $value:expr, $it:ident => $body:expr) => {
        match $value {
            $($enum::$name($it) => $body,)*
        }
    };
    ([$($name:ident),*] $enum:ident, $value:expr, $it:ident: $K:ident => $body:expr) => {
        match $value {
            $($enum::$name($it) => {
                type $K = $crate::api::$name;
                $body
            })*
        }
    };
}

pub(crate) use {enum_of_kinds, managed_kinds, match_kind, match_variant, with_kind, with_variant};

#[cfg(test)]
mod tests {
    use kube::CustomResourceExt;

    use crate::model::ManagedKind;

    #[test]
    fn the_names_of_kinds_are_those_of_their_definitions() {
        for kind in ManagedKind::ALL {
            let names = with_kind!(kind, K => K::crd()).spec.names;
            assert_eq!(
                (names.kind.as_str(), names.plural.as_str()),
                (kind.as_str(), kind.plural())
            );
        }
    }
}
