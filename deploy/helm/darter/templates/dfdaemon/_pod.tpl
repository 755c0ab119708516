{{/* What a pod has that runs dfdaemon, or looks at it with its configuration. */}}
{{- define "darter.dfdaemon.mounts" -}}
- name: config
  mountPath: /etc/darter/dfdaemon.yml
  subPath: dfdaemon.yml
  readOnly: true
- name: cluster
  mountPath: /etc/darter/cluster
  readOnly: true
{{- if include "darter.supernode.tls" . }}
{{ include "darter.supernode.caMount" . }}
{{- end }}
{{- if include "darter.registrySources" (list .Values.registries true) }}
- name: registries
  mountPath: /etc/darter/registries
  readOnly: true
{{- end }}
- name: store
  mountPath: /var/lib/darter/dfdaemon
{{- end }}

{{- define "darter.dfdaemon.volumes" -}}
- name: config
  configMap:
    name: {{ include "darter.fullname" . }}-dfdaemon
{{ include "darter.tokenVolume" . }}
{{- if include "darter.supernode.tls" . }}
{{ include "darter.supernode.caVolume" . }}
{{- end }}
{{- with include "darter.registrySources" (list .Values.registries true) }}
- name: registries
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
- name: store
  {{- if eq .Values.dfdaemon.store.type "hostPath" }}
  hostPath:
    path: {{ .Values.dfdaemon.store.hostPath }}
    type: DirectoryOrCreate
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}

{{- define "darter.tokenVolume" -}}
- name: cluster
  secret:
    secretName: {{ include "darter.tokenSecret" . }}
    defaultMode: 0440
    items:
      - key: {{ .Values.cluster.key }}
        path: token
{{- end }}
