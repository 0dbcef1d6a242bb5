//! Enums whose values have names in manifests and on the wire.

/// An enum whose values have names in manifests and on the wire.
pub trait WireEnum: Copy + Eq + 'static {
    /// All values, in the order of their declaration.
    const VALUES: &'static [Self];

    /// The name of a value.
    fn name(self) -> &'static str;

    /// The value with this name, compared as an exact string.
    fn from_name(name: &str) -> Option<Self> {
        Self::VALUES.iter().copied().find(|value| value.name() == name)
    }
}

/// Declares a [`WireEnum`] by its values and their names.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All values, in the order of their declaration.
            pub const ALL: [Self; [$($text,)+].len()] = [$(Self::$variant,)+];

            /// The name in manifests and on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl $crate::model::WireEnum for $name {
            const VALUES: &'static [Self] = &Self::ALL;

            fn name(self) -> &'static str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                $crate::model::WireEnum::from_name(text).ok_or(())
            }
        }
    };
}
pub(crate) use wire_enum;
