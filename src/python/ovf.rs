//! Descriptors and manifest files of OVF packages, as Python's own dicts and tuples.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::error::to_py;
use super::gil::guarded;
use nfclease::error::{Error, Result};
use nfclease::ovf::{
    self, Compression, DeploymentOption, Descriptor, Disk, Entry, File,
    ManifestFile as CoreManifestFile, Network, Outside, Product, Property, System,
};

/// A dict of fields by their names.
macro_rules! dict {
    ($py:expr, $of:expr; $($field:ident),+) => {{
        let dict = PyDict::new($py);
        $(dict.set_item(stringify!($field), &$of.$field)?;)+
        dict
    }};
}

/// What a descriptor says; see the Python class `PackageInfo`.
#[pyfunction]
#[pyo3(signature = (data, *, name="the descriptor", allow_outside=false))]
pub(crate) fn parse_descriptor<'py>(
    py: Python<'py>,
    data: Vec<u8>,
    name: &str,
    allow_outside: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let outside = if allow_outside {
        Outside::Noted
    } else {
        Outside::Refused
    };
    let found = guarded(py, || Descriptor::parse(&data, name, outside))?;
    let dict = dict!(py, found; version, eulas, notes);
    dict.set_item("files", each(py, &found.files, file)?)?;
    dict.set_item("disks", each(py, &found.disks, disk)?)?;
    dict.set_item("networks", each(py, &found.networks, network)?)?;
    dict.set_item("systems", each(py, &found.systems, system)?)?;
    dict.set_item("properties", each(py, &found.properties, property)?)?;
    let options = each(py, &found.deployment_options, deployment_option)?;
    dict.set_item("deployment_options", options)?;
    dict.set_item("products", each(py, &found.products, product)?)?;
    Ok(dict)
}

type Made<'py> = PyResult<Bound<'py, PyDict>>;

fn each<'py, T>(
    py: Python<'py>,
    found: &[T],
    make: fn(Python<'py>, &T) -> Made<'py>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    found.iter().map(|one| make(py, one)).collect()
}

fn file<'py>(py: Python<'py>, one: &File) -> Made<'py> {
    let dict = dict!(py, one; id, href, path, size, chunk_size);
    let compression = match one.compression {
        Compression::Identity => "identity",
        Compression::Gzip => "gzip",
    };
    dict.set_item("compression", compression)?;
    Ok(dict)
}

fn disk<'py>(py: Python<'py>, one: &Disk) -> Made<'py> {
    Ok(dict!(py, one; disk_id, file_ref, capacity, format, populated_size, parent_ref))
}

fn network<'py>(py: Python<'py>, one: &Network) -> Made<'py> {
    Ok(dict!(py, one; name, description))
}

fn system<'py>(py: Python<'py>, one: &System) -> Made<'py> {
    let dict = dict!(
        py, one; id, name, kind, hardware_versions, cpus, memory, operating_system, disks, networks
    );
    dict.set_item("systems", each(py, &one.systems, system)?)?;
    Ok(dict)
}

fn property<'py>(py: Python<'py>, one: &Property) -> Made<'py> {
    let dict = dict!(
        py, one; key, default, label, description, category, user_configurable, password, values,
        system
    );
    dict.set_item("type", &one.value_type)?;
    Ok(dict)
}

fn deployment_option<'py>(py: Python<'py>, one: &DeploymentOption) -> Made<'py> {
    Ok(dict!(py, one; id, label, description, default))
}

fn product<'py>(py: Python<'py>, one: &Product) -> Made<'py> {
    Ok(dict!(py, one; name, vendor, version, full_version, system))
}

/// A manifest file, read.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct ManifestFile(CoreManifestFile);

#[pymethods]
impl ManifestFile {
    /// Reads one.
    #[staticmethod]
    #[pyo3(signature = (data, *, name="the manifest file"))]
    fn parse(py: Python<'_>, data: Vec<u8>, name: &str) -> PyResult<Self> {
        guarded(py, || CoreManifestFile::parse(&data, name)).map(Self)
    }

    /// The bytes of one with these lines.
    #[staticmethod]
    fn build(
        py: Python<'_>,
        entries: Vec<(String, String, String)>,
    ) -> PyResult<Bound<'_, PyBytes>> {
        let built = entries
            .into_iter()
            .map(entry)
            .collect::<Result<Vec<_>>>()
            .and_then(|entries| CoreManifestFile::build(&entries));
        let built = built.map_err(|error| to_py(py, &error))?;
        Ok(PyBytes::new(py, &built))
    }

    #[getter]
    fn entries(&self) -> Vec<(&str, &'static str, &str)> {
        let entries = self.0.entries.iter();
        entries
            .map(|one| (one.name.as_str(), one.algorithm.as_str(), one.hex.as_str()))
            .collect()
    }

    #[getter]
    fn notes(&self) -> Vec<String> {
        self.0.notes.clone()
    }
}

fn entry((name, algorithm, hex): (String, String, String)) -> Result<Entry> {
    let known = ovf::algorithm(&algorithm).ok_or_else(|| Error::InvalidArgument {
        reason: format!("a manifest file has sha1, sha256 or sha512, not {algorithm:?}").into(),
    })?;
    Ok(Entry {
        name,
        algorithm: known,
        hex,
    })
}
