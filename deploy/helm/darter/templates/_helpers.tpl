{{/* Names. */}}
{{- define "darter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "darter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := include "darter.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Which parts a mode has. */}}
{{- define "darter.hasWebhook" -}}
{{- if has .Values.mode (list "webhook" "both") }}true{{ end }}
{{- end }}

{{- define "darter.hasMirror" -}}
{{- if has .Values.mode (list "mirror" "both") }}true{{ end }}
{{- end }}

{{- define "darter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* Labels: (list . component). */}}
{{- define "darter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "darter.name" (index . 0) }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* part-of is what the webhook knows the network's own pods by, so it is the same whatever the release is called. */}}
{{- define "darter.labels" -}}
{{- $root := index . 0 -}}
{{ include "darter.selectorLabels" . }}
app.kubernetes.io/part-of: darter
app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* What every container may not do. */}}
{{- define "darter.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The security context of a pod: a component's values. */}}
{{- define "darter.podSecurity" -}}
runAsNonRoot: {{ ne (int .runAsUser) 0 }}
runAsUser: {{ int .runAsUser }}
runAsGroup: {{ int .runAsGroup }}
fsGroup: {{ int .runAsGroup }}
fsGroupChangePolicy: OnRootMismatch
{{- with .seLinuxOptions }}
seLinuxOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "darter.pullSecrets" -}}
{{- $secrets := list }}
{{- range .Values.image.pullSecrets }}{{ $secrets = append $secrets (dict "name" .) }}{{ end -}}
imagePullSecrets: {{ toJson $secrets }}
{{- end }}

{{/* The directory of a store on the node, made by the kubelet for root, becomes its user's: (list . component directory). */}}
{{- define "darter.ownContainer" -}}
{{- $root := index . 0 }}
{{- $values := index . 1 -}}
- name: own-store
  image: {{ include "darter.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: [dfdaemon, own, {{ index . 2 | quote }}, --user, {{ int $values.runAsUser | quote }}, --group, {{ int $values.runAsGroup | quote }}]
  securityContext:
    runAsNonRoot: false
    runAsUser: 0
    runAsGroup: 0
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
      add: [CHOWN]
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {memory: 128Mi}
  volumeMounts:
    - name: store
      mountPath: {{ index . 2 }}
{{- end }}

{{/* Supernodes. */}}
{{- define "darter.supernode.service" -}}
{{ include "darter.fullname" . }}-supernode
{{- end }}

{{- define "darter.supernode.domain" -}}
{{ include "darter.supernode.service" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{- define "darter.supernode.tls" -}}
{{- if ne .Values.supernode.tls.mode "off" }}true{{ end }}
{{- end }}

{{- define "darter.supernode.tlsSecret" -}}
{{- if eq .Values.supernode.tls.mode "provided" }}
{{- required "supernode.tls.secret: mode provided needs the name of a Secret" .Values.supernode.tls.secret }}
{{- else }}
{{- include "darter.fullname" . }}-supernode-tls
{{- end }}
{{- end }}

{{/* The authority that clients of supernodes believe. */}}
{{- define "darter.supernode.caMount" -}}
- name: supernode-ca
  mountPath: /etc/darter/supernode
  readOnly: true
{{- end }}

{{- define "darter.supernode.caVolume" -}}
- name: supernode-ca
  secret:
    secretName: {{ include "darter.supernode.tlsSecret" . }}
    defaultMode: 0440
    items:
      - {key: ca.crt, path: ca.crt}
{{- end }}

{{/* host:port of each, one a line. */}}
{{- define "darter.supernode.hosts" -}}
{{- range until (int .Values.supernode.replicas) }}
{{ include "darter.supernode.service" $ }}-{{ . }}.{{ include "darter.supernode.domain" $ }}:{{ $.Values.supernode.apiPort }}
{{- end }}
{{- end }}

{{/* The cluster's secret. */}}
{{- define "darter.tokenSecret" -}}
{{ .Values.cluster.existingSecret | default (printf "%s-cluster" (include "darter.fullname" .)) }}
{{- end }}

{{/* Registries: where an entry's files are, the same in every container. */}}
{{- define "darter.registryDirectory" -}}
/etc/darter/registries/{{ .host }}
{{- end }}

{{- define "darter.loginKey" -}}
{{- if .username }}{{ .key | default "password" }}{{ else }}{{ .key | default ".dockerconfigjson" }}{{ end }}
{{- end }}

{{/* Sources of a projected volume: (list registries withLogins). */}}
{{- define "darter.registrySources" -}}
{{- $logins := index . 1 }}
{{- range index . 0 }}
{{- $registry := . }}
{{- with .ca }}
- {{ if .secret }}secret{{ else }}configMap{{ end }}:
    name: {{ .secret | default .configMap }}
    items:
      - key: {{ .key | default "ca.crt" }}
        path: {{ $registry.host }}/ca.pem
{{- end }}
{{- if and .login $logins }}
- secret:
    name: {{ .login.secret }}
    items:
      - key: {{ include "darter.loginKey" .login }}
        path: {{ .host }}/{{ if .login.username }}password{{ else }}config.json{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Patterns of what nodes know, as dfwebhook wants them. */}}
{{- define "darter.knownRegistries" -}}
- docker.io
{{- range .Values.registries }}
- {{ .host | quote }}
{{- range .names }}
- {{ . | quote }}
{{- end }}
{{- end }}
{{- range .Values.allowRegistries }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{/* Webhook. */}}
{{- define "darter.webhook.name" -}}
{{ include "darter.fullname" . }}-webhook
{{- end }}

{{- define "darter.webhook.host" -}}
{{ include "darter.webhook.name" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "darter.webhook.tlsSecret" -}}
{{- if eq .Values.webhook.certificates.mode "provided" }}
{{- required "webhook.certificates.secret: mode provided needs the name of a Secret" .Values.webhook.certificates.secret }}
{{- else }}
{{- include "darter.webhook.name" . }}-tls
{{- end }}
{{- end }}

{{/* Whether dfwebhook talks to the Kubernetes API at all. */}}
{{- define "darter.webhook.needsAPI" -}}
{{- if or (eq .Values.webhook.certificates.mode "self") .Values.webhook.gate.ready }}true{{ end }}
{{- end }}

{{/* A pod is replaced when what its executable reads at the start is another one. */}}
{{- define "darter.checksum" -}}
{{ . | sha256sum }}
{{- end }}

{{/* The user's keys over those that the chart makes: (list generated-yaml overlay). */}}
{{- define "darter.merged" -}}
{{- $generated := index . 0 | fromYaml }}
{{- with $generated.Error }}{{ fail . }}{{ end }}
{{- mustMergeOverwrite $generated (index . 1 | default dict) | toYaml }}
{{- end }}
