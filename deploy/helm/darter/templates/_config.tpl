{{/* The configuration files, as the executables read them. They are strict: a key that is none keeps them from starting. */}}

{{- define "darter.dfdaemon.config" -}}
{{- include "darter.merged" (list (include "darter.dfdaemon.generated" .) .Values.dfdaemon.config) }}
{{- end }}

{{- define "darter.dfdaemon.generated" -}}
{{- $v := .Values.dfdaemon }}
{{- $named := dict }}
{{- range $registry := .Values.registries }}
{{- range prepend (default list $registry.names) $registry.host }}
{{- if hasKey $named . }}{{ fail (printf "registries: %s is named twice" .) }}{{ end }}
{{- $_ := set $named . true }}
{{- end }}
{{- end -}}
log:
  level: {{ $v.logLevel }}
proxy:
  address: "127.0.0.1:{{ $v.port }}"
  drain: {{ $v.drainSeconds }}s
pieces:
  address: "{{ $v.listen }}:{{ $v.piecesPort }}"
  drain: {{ $v.drainSeconds }}s
health:
  address: "{{ ternary $v.listen "127.0.0.1" $v.exposeMetrics }}:{{ $v.healthPort }}"
  drain: 1s
  access_log: false
home: /var/lib/darter/dfdaemon
store:
  quota: {{ $v.store.quota }}
  free_space_floor: {{ $v.store.freeSpaceFloor }}
registry_mirror:
  remote: {{ .Values.remote | toJson }}
  registries:
  {{- range $registry := .Values.registries }}
  {{- /* containerd tells dfdaemon the registry's name as it stands in the reference, with the port. */}}
  {{- range prepend (default list $registry.names) $registry.host }}
    - {{ include "darter.dfdaemon.registry" (list . $registry) | nindent 6 | trim }}
  {{- end }}
  {{- else }} []
  {{- end }}
  allow: {{ .Values.allowRegistries | toJson }}
  manifests:
    freshness: {{ $v.tagFreshness }}
supernodes:
{{- range splitList "\n" (include "darter.supernode.hosts" . | trim) }}
  - {{ if include "darter.supernode.tls" $ }}https://{{ end }}{{ . }}
{{- end }}
{{- if include "darter.supernode.tls" . }}
supernode_ca_file: /etc/darter/supernode/ca.crt
{{- end }}
peer:
  allow_plain_credentials: {{ $v.allowPlainCredentials }}
  back_to_source: {{ $v.backToSource }}
cluster:
  token_file: /etc/darter/cluster/token
{{- end }}

{{/* An entry of registry_mirror.registries: (list name registry). */}}
{{- define "darter.dfdaemon.registry" -}}
{{- $name := index . 0 -}}
host: {{ $name | quote }}
{{- with index . 1 }}
{{- if or .url (ne $name .host) }}
url: {{ .url | default (printf "https://%s" .host) | quote }}
{{- end }}
{{- if .ca }}
ca_file: {{ include "darter.registryDirectory" . }}/ca.pem
{{- end }}
{{- if .insecure }}
insecure: true
{{- end }}
{{- if .login }}
{{- if .login.username }}
username: {{ .login.username | quote }}
password_file: {{ include "darter.registryDirectory" . }}/password
{{- else }}
docker_config: {{ include "darter.registryDirectory" . }}/config.json
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "darter.supernode.config" -}}
{{- include "darter.merged" (list (include "darter.supernode.generated" .) .Values.supernode.config) }}
{{- end }}

{{- define "darter.supernode.generated" -}}
{{- $v := .Values.supernode -}}
log:
  level: {{ $v.logLevel }}
api:
  address: "{{ $v.listen }}:{{ $v.apiPort }}"
  drain: {{ $v.drainSeconds }}s
  {{- if include "darter.supernode.tls" . }}
  tls:
    certificate: /etc/darter/tls/tls.crt
    key: /etc/darter/tls/tls.key
  {{- end }}
pieces:
  address: "{{ $v.listen }}:{{ $v.piecesPort }}"
  drain: {{ $v.drainSeconds }}s
home: /var/lib/darter/supernode
store:
  quota: {{ $v.store.quota }}
  free_space_floor: {{ $v.store.freeSpaceFloor }}
limits:
  origin: {{ $v.originRate }}
cluster:
  token_file: /etc/darter/cluster/token
backends:
{{- $any := false }}
{{- range .Values.registries }}
{{- if or .ca .insecure }}
{{- $any = true }}
  - plugin: registry
    hosts: [{{ .url | default (printf "https://%s" .host) | trimPrefix "https://" | trimPrefix "http://" | trimSuffix "/" | quote }}]
    paths: [/v2/]
    {{- if .ca }}
    ca_file: {{ include "darter.registryDirectory" . }}/ca.pem
    {{- end }}
    {{- if .insecure }}
    insecure: true
    {{- end }}
{{- end }}
{{- end }}
{{- if not $any }} []
{{- end }}
{{- end }}

{{- define "darter.webhook.config" -}}
{{- include "darter.merged" (list (include "darter.webhook.generated" .) .Values.webhook.config) }}
{{- end }}

{{- define "darter.webhook.generated" -}}
{{- $v := .Values.webhook -}}
log:
  level: {{ $v.logLevel }}
webhook:
  address: "{{ $v.listen }}:{{ $v.port }}"
  drain: {{ $v.drainSeconds }}s
  {{- if ne $v.certificates.mode "self" }}
  tls:
    certificate: /etc/darter/tls/tls.crt
    key: /etc/darter/tls/tls.key
  {{- end }}
{{- if eq $v.certificates.mode "self" }}
certificates:
  secret: {{ include "darter.webhook.tlsSecret" . }}
  configuration: {{ include "darter.webhook.name" . }}
  hosts: [{{ include "darter.webhook.host" . }}]
  lifetime: {{ $v.certificates.lifetime }}
{{- end }}
health:
  address: "{{ $v.listen }}:{{ $v.healthPort }}"
  drain: 1s
mirror: "127.0.0.1:{{ .Values.dfdaemon.port }}"
registries:
  include:
  {{- include "darter.knownRegistries" . | nindent 4 }}
  exclude: {{ $v.excludeRegistries | toJson }}
registry_names:
{{- $names := dict }}
{{- range .Values.registries }}
{{- $host := .host }}
{{- range .names }}
{{- $_ := set $names . $host }}
{{- end }}
{{- end }}
{{- $names | toJson | nindent 2 }}
images: {{ $v.images | toJson }}
namespaces:
  include: ["*"]
  exclude: {{ append $v.excludeNamespaces .Release.Namespace | uniq | toJson }}
opt_in: {{ eq $v.optIn "pod" }}
image_pull_secrets: {{ $v.imagePullSecrets }}
credentials:
{{- $logins := list }}
{{- range .Values.registries }}
{{- if .login }}
{{- $logins = append $logins .host }}
{{- end }}
{{- end }} {{ $logins | toJson }}
ignore:
{{- range $v.ignore }}
  - labels: {{ toJson . }}
{{- else }} []
{{- end }}
gate:
  {{- if $v.gate.supernodes }}
  {{- $tls := include "darter.supernode.tls" . }}
  supernodes:
  {{- range splitList "\n" (include "darter.supernode.hosts" . | trim) }}
    - {{ ternary "https" "http" (not (empty $tls)) }}://{{ . }}
  {{- end }}
  {{- if $tls }}
  supernode_ca_file: /etc/darter/supernode/ca.crt
  {{- end }}
  {{- else }}
  supernodes: []
  {{- end }}
  daemonset: {{ ternary (printf "%s-dfdaemon" (include "darter.fullname" .)) "" (not (empty $v.gate.ready)) | quote }}
  {{- with $v.gate.ready }}
  ready: {{ . | quote }}
  {{- end }}
  interval: {{ $v.gate.interval }}
{{- end }}
