{{- define "sesame.name" -}}
{{- printf "%s-sesame" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sesame.selector" -}}
app.kubernetes.io/name: sesame
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sesame.labels" -}}
{{ include "sesame.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "sesame.keys" -}}
{{- .Values.keys.existingSecret | default (printf "%s-keys" (include "sesame.name" .)) -}}
{{- end -}}

{{/* Whether the configuration that is given has the default account, so that the chart adds none. */}}
{{- define "sesame.ownAccount" -}}
{{- if regexMatch (printf "(?m)^\\s*id\\s*=\\s*[\"']%s[\"']" .Values.accountId) .Values.config }}yes{{ end -}}
{{- end -}}

{{/* A value of the chart's own Secret: the one that is given, the one that is there already, or a random one.
     Called with the root context, the value that is given, its name in values.yaml, its key in the Secret, its length. */}}
{{- define "sesame.kept" -}}
{{- $root := index . 0 -}}
{{- $given := index . 1 -}}
{{- $key := index . 3 -}}
{{- $secret := lookup "v1" "Secret" $root.Release.Namespace (printf "%s-keys" (include "sesame.name" $root)) -}}
{{- $there := get (get (default dict $secret) "data" | default dict) $key -}}
{{- if $given -}}
{{- $given -}}
{{- else if $there -}}
{{- $there | b64dec -}}
{{- else if lookup "v1" "Secret" $root.Release.Namespace "" -}}
{{- randAlphaNum (index . 4) -}}
{{- else -}}
{{- fail (printf "%s must be given: without a cluster, as in \"helm template\", what was made before cannot be looked up (openssl rand -hex 16 makes a value)" (index . 2)) -}}
{{- end -}}
{{- end -}}

{{/* Whether the data is in PostgreSQL. */}}
{{- define "sesame.database" -}}
{{- if or .Values.database.url .Values.database.existingSecret }}yes{{ end -}}
{{- end -}}

{{/* Refuses values that do not go together. */}}
{{- define "sesame.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not (include "sesame.database" .)) -}}
{{- fail "replicas is more than 1, so database.url or database.existingSecret must be given: a SQLite file has one server" -}}
{{- end -}}
{{- if and .Values.database.url .Values.database.existingSecret -}}
{{- fail "database.url and database.existingSecret exclude each other" -}}
{{- end -}}
{{- if and .Values.tls.names .Values.tls.existingSecret -}}
{{- fail "tls.names has no effect on the certificate of tls.existingSecret: leave one out" -}}
{{- end -}}
{{- range .Values.env -}}
{{- if has .name (list "SESAME_LISTEN" "SESAME_DATA_DIR" "SESAME_AUTH" "SESAME_REGION" "SESAME_ACCOUNT_ID" "SESAME_CONFIG" "SESAME_SEED" "SESAME_ROOT_KEY" "SESAME_ADMIN_TOKEN" "SESAME_DATABASE" "SESAME_TLS_NAME" "SESAME_TLS_CERT" "SESAME_TLS_KEY") -}}
{{- fail (printf "env: the chart sets %s itself: use its value of values.yaml" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
