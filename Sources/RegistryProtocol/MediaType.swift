/// Media types of manifests (image-spec, "Media Types"; docker's image manifest v2).
public enum ManifestMediaType {
    /// What to put into `Accept` for whatever a tag may name.
    public static let all = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
}
