//! The descriptor of a package, `.ovf`: what is in it, of OVF 0.9, 1.x and 2.x alike.
//!
//! Read here are the parts that somebody asks for before an import; the server reads the rest, from
//! the same bytes.

mod check;
mod envelope;
mod parse;
mod product;
mod sizes;
mod systems;
mod units;

pub use self::sizes::with_sizes;

/// What is in a package, as its descriptor says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Of the format: `1`, `2`, or `0.9` for what came before.
    pub version: &'static str,
    /// The files beside it, in the order in which they are sent.
    pub files: Vec<File>,
    /// The virtual disks.
    pub disks: Vec<Disk>,
    /// The networks to map.
    pub networks: Vec<Network>,
    /// The VM, or the vApp with what is in it.
    pub systems: Vec<System>,
    /// What can be set at an import, of all systems.
    pub properties: Vec<Property>,
    /// The choices of size and layout.
    pub deployment_options: Vec<DeploymentOption>,
    /// What is installed.
    pub products: Vec<Product>,
    /// The licences, whole.
    pub eulas: Vec<String>,
    /// What is odd about it.
    pub notes: Vec<String>,
}

/// Whether a file may be outside of the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// It is refused: somebody is about to read it.
    Refused,
    /// It has no path, and a note: somebody wants to know what is in there.
    Noted,
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    Identity,
    /// gzip; the file's size is that of the compressed one.
    Gzip,
}

/// A file of the package: `References/File`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// `id`.
    pub id: String,
    /// `href` as written.
    pub href: String,
    /// Where it is beside the descriptor, decoded, with `/` between folders and safe as a path.
    pub path: Option<String>,
    /// `size` in bytes, of the file as it is stored.
    pub size: Option<u64>,
    /// `chunkSize` in bytes; the name is that of the pieces then, before `.000000000` and so on.
    pub chunk_size: Option<u64>,
    /// `compression`.
    pub compression: Compression,
}

/// A virtual disk: `DiskSection/Disk`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// `diskId`.
    pub disk_id: String,
    /// `fileRef`; without one the disk is made empty.
    pub file_ref: Option<String>,
    /// `capacity` in bytes; where it is a property's, by its default.
    pub capacity: Option<u64>,
    /// `format`, a URI.
    pub format: String,
    /// `populatedSize` in bytes.
    pub populated_size: Option<u64>,
    /// `parentRef`: the disk of which this is a delta.
    pub parent_ref: Option<String>,
}

impl Disk {
    /// Whether its file is of a kind that holds compressed grains.
    fn is_compressed(&self) -> bool {
        self.format.ends_with("#streamOptimized") || self.format.ends_with("#compressed")
    }
}

/// A network: `NetworkSection/Network`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// `name`.
    pub name: String,
    /// `Description`.
    pub description: String,
}

/// A VM, or a collection of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System {
    /// `id`.
    pub id: String,
    /// `Name`.
    pub name: String,
    /// `VirtualSystem` or `VirtualSystemCollection`.
    pub kind: &'static str,
    /// `VirtualSystemType`, one by one: `vmx-13`.
    pub hardware_versions: Vec<String>,
    /// Virtual processors.
    pub cpus: Option<u64>,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// What `OperatingSystemSection` describes.
    pub operating_system: String,
    /// The disks it has, by `diskId`.
    pub disks: Vec<String>,
    /// The networks it is on, by name.
    pub networks: Vec<String>,
    /// What is in a collection.
    pub systems: Vec<Self>,
}

/// What can be set at an import: `ProductSection/Property`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Property {
    /// `class.key.instance`, as vSphere wants it; parts that are empty are left out.
    pub key: String,
    /// `type`.
    pub value_type: String,
    /// Its value where nobody gives one; of the default deployment option, where that says one.
    pub default: Option<String>,
    /// `Label`.
    pub label: String,
    /// `Description`.
    pub description: String,
    /// The `Category` above it.
    pub category: String,
    /// Whether who imports may set it.
    pub user_configurable: bool,
    /// Whether it is not to be shown.
    pub password: bool,
    /// The values that are allowed, where they are listed.
    pub values: Vec<String>,
    /// The `id` of its system.
    pub system: String,
}

/// A choice of size and layout: `DeploymentOptionSection/Configuration`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentOption {
    /// `id`.
    pub id: String,
    /// `Label`.
    pub label: String,
    /// `Description`.
    pub description: String,
    /// Whether it is taken where nobody chooses.
    pub default: bool,
}

/// What is installed: `ProductSection`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    /// `Product`.
    pub name: String,
    /// `Vendor`.
    pub vendor: String,
    /// `Version`.
    pub version: String,
    /// `FullVersion`.
    pub full_version: String,
    /// The `id` of its system.
    pub system: String,
}
