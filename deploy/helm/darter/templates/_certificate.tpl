{{/* A Certificate of cert-manager, and an authority for it where none is named: (list . component secret names issuerRef). */}}
{{- define "darter.certificate" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $secret := index . 2 }}
{{- $issuer := index . 4 }}
{{- if not $issuer }}
{{- $issuer = dict "kind" "Issuer" "name" (printf "%s-ca" $secret) }}
apiVersion: cert-manager.io/v1
kind: Issuer
metadata:
  name: {{ $secret }}-root
  labels:
    {{- include "darter.labels" (list $root $component) | nindent 4 }}
spec:
  selfSigned: {}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ $secret }}-ca
  labels:
    {{- include "darter.labels" (list $root $component) | nindent 4 }}
spec:
  isCA: true
  commonName: {{ $secret }}-ca
  secretName: {{ $secret }}-ca
  duration: 87600h
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {kind: Issuer, name: {{ $secret }}-root}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata:
  name: {{ $secret }}-ca
  labels:
    {{- include "darter.labels" (list $root $component) | nindent 4 }}
spec:
  ca: {secretName: {{ $secret }}-ca}
---
{{- end }}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ $secret }}
  labels:
    {{- include "darter.labels" (list $root $component) | nindent 4 }}
spec:
  secretName: {{ $secret }}
  dnsNames: {{ index . 3 | toJson }}
  privateKey: {algorithm: ECDSA, size: 256}
  usages: [server auth, digital signature]
  issuerRef:
    {{- toYaml $issuer | nindent 4 }}
{{- end }}
